/** Layers of one model, at most. He et al. 2016 trained 1,202. */
export const MOST_LAYERS = 1202;
