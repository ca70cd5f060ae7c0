/** Every number that a verdict turns on, with the reason for it. Raw values are stored beside a verdict, so these can change without measuring again. */
export const thresholds = {
  /** Verified: of what CFG adds to prompt fidelity the guide certainly recovers this much. */
  verifiedRecovered: 0.7,

  /**
   * Usable: it certainly recovers this much, the floor. Less than this and a reader of pictures sees no guidance: what is lost then is
   * more than what is kept. Certainly less is incompatible.
   */
  usableRecovered: 0.4,

  /** A claim that the last look makes with less probability than this is given up: no more prompts are drawn for it. */
  littleHope: 0.01,

  /**
   * Incompatible: a prediction that lies certainly further from CFG than no guide does (unexplained share 1). Below that,
   * one-step agreement does not judge: a guide with an unexplained share of 0.74 recovers 0.96 of the pictures' gain. Nor does it on
   * fewer prompts than this.
   */
  incompatibleUnexplainedLow: 1,
  agreementPrompts: 16,

  /** A strength of the guide at which one step adds more than so many times what CFG does is over-guiding, and never chosen. */
  mostDelivered: 1.15,

  /** Lineage by the median cosine of matching tensors. Independent trainings lie near 0, fine-tunes above 0.95, merges and long fine-tunes in between. */
  lineageDerived: 0.98,
  lineageDistant: 0.9,
  /** Below this the weights have nothing in common, and a guide would act on another network's features. */
  lineageUnrelated: 0.5,

  /** An attribute that the evaluator misreads in one picture of twenty hides differences of the size that verdicts turn on. */
  evaluatorAccuracy: 0.95,

  /** Where the hub measured it itself, on 128 scenes, that an attribute is read right in so many is certain: 122 of them, which is 0.95. */
  evaluatorCertain: 0.9,

  /** Scenes that were drawn anew look like the model's own pictures where no more than this is left of the distance that there was. */
  styleLeft: 0.3,
} as const;
