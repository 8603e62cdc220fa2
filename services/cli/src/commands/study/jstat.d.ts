/** What is used of jstat, which has no types of its own. */
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
declare module 'jstat' {
  const jstat: {
    /** Student's t. */
    readonly studentt: {
      cdf(x: number, degreesOfFreedom: number): number;
      inv(p: number, degreesOfFreedom: number): number;
    };
  };
  // biome-ignore lint/style/noDefaultExport: its module has nothing else
  export default jstat;
}
