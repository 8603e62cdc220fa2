/** What a request of the HTTP form asks for. An empty version is the current one. */
export type InferenceRoute =
  | { readonly kind: 'server' | 'live' | 'ready' | 'index' }
  | { readonly kind: 'model' | 'model-ready' | 'infer'; readonly model: string; readonly version: string };

const FIXED: Readonly<Record<string, InferenceRoute>> = {
  'GET /v2': { kind: 'server' },
  'GET /v2/': { kind: 'server' },
  'GET /v2/health/live': { kind: 'live' },
  'GET /v2/health/ready': { kind: 'ready' },
  'POST /v2/repository/index': { kind: 'index' },
};

const OF_MODEL = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/;

/** The route of a request; undefined if there is none. @param path without the query */
export function inferenceRoute(method: string, path: string): InferenceRoute | undefined {
  const key = `${method} ${path}`;
  if (Object.hasOwn(FIXED, key)) return FIXED[key];
  const [, model, version, action] = OF_MODEL.exec(path) ?? [];
  if (model === undefined || method !== (action === 'infer' ? 'POST' : 'GET')) return undefined;
  try {
    const named = { model: decodeURIComponent(model), version: decodeURIComponent(version ?? '') };
    return { kind: action === 'infer' ? 'infer' : action === 'ready' ? 'model-ready' : 'model', ...named };
  } catch {
    return undefined;
  }
}
