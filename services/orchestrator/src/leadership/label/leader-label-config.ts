import { z } from 'zod';

export const LeaderLabelConfig = z.strictObject({
  namespace: z.string().min(1).describe('of the pods of the orchestrators'),
  pod: z.string().min(1).describe('name of the pod of this orchestrator'),
  selector: z.string().min(1).describe('labels of the pods of all orchestrators of the installation'),
});
export type LeaderLabelConfig = z.infer<typeof LeaderLabelConfig>;
