/** How a process that runs networks takes memory, by variables of glibc; other systems pass over them. */
export const allocatorSettings: Readonly<Record<string, string>> = {
  // Freed weights go back to the system at once instead of staying with the allocator.
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_ARENA_MAX: "1",
  // Pages of 2 MB where the system leaves that to programs: half of the time in which a large model opens goes into taking pages. A
  // file of SDXL's size opens in 0.6 to 0.8 of the time, at the same peak.
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};
