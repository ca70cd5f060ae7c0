/** The one dimension that is not known while a graph is built. Only the first axis may be "batch". */
export type Dim = number | "batch";
export type Shape = readonly Dim[];
export type FloatType = "float32" | "float16" | "bfloat16" | "float64";
/** What weights may be stored as and nothing computes in. */
export type StoredType = "float8e4m3" | "float8e5m2";
export type ElementType = FloatType | StoredType | "int32" | "int64";
