import { modelServiceConfig } from '@trikd/model-host/config';

/** Configuration of the anchor-server process. */
export const AnchorServerConfig = modelServiceConfig('0.0.0.0:50051');
