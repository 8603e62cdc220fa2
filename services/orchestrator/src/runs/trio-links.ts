import { ROLES } from '@trikd/core/domain/role';
import type { Security } from '@trikd/transport/access/security';
import type { TrioAddresses } from '../placement/placement.js';
import { anchorLink, type LinkTimes, stepLink, trainerLink } from './links.js';
import type { TrioLinks } from './ports.js';

/** Connects to the services of a trio. */
export function trioLinks(trio: TrioAddresses, times: LinkTimes, security: Security): TrioLinks {
  const teacher = trainerLink('teacher', trio.teacher, times, security);
  const student = trainerLink('student', trio.student, times, security);
  const anchor = anchorLink(trio.anchor, times, security);
  const steps = ROLES.map((role) => stepLink(role, trio[role], security));
  return {
    trainers: { teacher, student },
    anchor,
    steps,
    close: () => {
      for (const link of [teacher, student, anchor, ...steps]) link.close();
    },
  };
}
