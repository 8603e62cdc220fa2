import { modelServiceConfig } from '@trikd/model-host/config';

/** Configuration of the student-trainer process. */
export const StudentTrainerConfig = modelServiceConfig('0.0.0.0:50053');
