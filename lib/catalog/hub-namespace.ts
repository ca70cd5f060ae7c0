/** What is the hub's own: the starter collection, and as its share of the workers what is measured anew. */
export const HUB_NAMESPACE = "guidepost";
