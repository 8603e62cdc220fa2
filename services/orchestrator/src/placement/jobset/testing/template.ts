import { ROLES } from '@trikd/core/domain/position';
import { parseTemplate } from '../template.js';

/** A JobSet template as it is written in YAML. */
export const TEMPLATE = {
  apiVersion: 'jobset.x-k8s.io/v1alpha2',
  kind: 'JobSet',
  metadata: { labels: { team: 'vision' } },
  spec: {
    network: { enableDNSHostnames: false },
    replicatedJobs: ROLES.map((name) => ({
      name,
      template: {
        spec: {
          backoffLimit: 2147483647,
          template: {
            metadata: { labels: { tier: 'trio' } },
            spec: {
              restartPolicy: 'OnFailure',
              containers: [{ name: 'service', image: 'trikd', ports: [{ name: 'grpc', containerPort: 50051 }] }],
            },
          },
        },
      },
    })),
  },
};

export const template = parseTemplate('cpu', TEMPLATE);
