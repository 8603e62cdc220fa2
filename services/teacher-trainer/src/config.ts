import { modelServiceConfig } from '@trikd/model-host/config';

/** Configuration of the teacher-trainer process. */
export const TeacherTrainerConfig = modelServiceConfig('0.0.0.0:50052');
