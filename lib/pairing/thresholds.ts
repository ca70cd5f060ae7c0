/** Every number that a verdict turns on, with the reason for it. Raw values are stored beside a verdict, so these can change without measuring again. */
export const thresholds = {
  /**
   * Verified: a guide that recovers four fifths of what CFG adds to prompt fidelity looks like CFG to a reader of pictures.
   * On styles it never saw, the 1 % starter guide reaches 0.92 to 1.03 where it visibly works and 0.56 to 0.75 where one
   * sees the difference.
   */
  verifiedRecovered: 0.8,
  /** … and with too few prompts the interval is wide: at least half must be certain. */
  verifiedRecoveredLow: 0.5,

  /** Usable: the guide certainly adds something. */
  usableRecoveredLow: 0,

  /** Incompatible: at best a quarter of CFG's gain is recovered, which costs a pass budget without being seen. */
  incompatibleRecoveredHigh: 0.25,

  /**
   * Incompatible: a prediction that lies certainly further from CFG than no guide does (unexplained share 1). Below that,
   * one-step agreement does not judge: a guide with an unexplained share of 0.74 recovers 0.96 of the pictures' gain.
   */
  incompatibleUnexplainedLow: 1,

  /** Lineage by the median cosine of matching tensors. Independent trainings lie near 0, fine-tunes above 0.95, merges and long fine-tunes in between. */
  lineageDerived: 0.98,
  lineageDistant: 0.9,
  /** Below this the weights have nothing in common, and a guide would act on another network's features. */
  lineageUnrelated: 0.5,

  /** An attribute that the evaluator misreads in one picture of twenty hides differences of the size that verdicts turn on. */
  evaluatorAccuracy: 0.95,
} as const;
