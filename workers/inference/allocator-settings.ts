/** How a process that runs networks takes memory, by variables of glibc; other systems pass over them. */
export const allocatorSettings: Readonly<Record<string, string>> = {
  // Freed weights go back to the system at once instead of staying with the allocator.
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_ARENA_MAX: "1",
  // Pages of 2 MB where the system leaves that to programs: half of the time in which a large model opens goes into taking pages. A
  // file of SDXL's size opened in 0.78, 0.61, 0.71 and 1.06 of the time, in four pairs one after the other, at the same peak.
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};
