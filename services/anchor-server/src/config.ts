import { modelServiceConfig } from '@trikd/platform/model-service/config';

/** Configuration of the anchor-server process. */
export const AnchorServerConfig = modelServiceConfig('0.0.0.0:50051');
