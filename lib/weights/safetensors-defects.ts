const downloadAgain = "download it again";
const saveAgain = "save it again with the safetensors library";

/** Every reason for which a file is refused, and what to do about it. */
export const remedies = {
  too_short: downloadAgain,
  truncated: downloadAgain,
  other_format: saveAgain,
  header_too_long: "split the file, or leave out metadata",
  not_utf8: saveAgain,
  bad_syntax: saveAgain,
  bad_padding: saveAgain,
  control_character: "take it out and save the file again",
  lone_surrogate: saveAgain,
  empty_name: "name it and save the file again",
  name_too_long: "shorten it and save the file again",
  reserved_name: "rename it and save the file again",
  duplicate_name: saveAgain,
  duplicate_field: saveAgain,
  unknown_field: saveAgain,
  missing_field: saveAgain,
  bad_metadata: "make every value a string and save the file again",
  duplicate_metadata: saveAgain,
  too_much_metadata: "leave out what the weights do not need and save the file again",
  too_many_tensors: "split the file",
  unknown_dtype: "save the tensor in F32, F16 or BF16",
  bad_integer: saveAgain,
  integer_too_large: saveAgain,
  too_many_dimensions: "reshape the tensor and save the file again",
  too_many_elements: saveAgain,
  bad_offsets: saveAgain,
  wrong_size: saveAgain,
  part_of_a_byte: saveAgain,
  overlap: saveAgain,
  hole: saveAgain,
  trailing_bytes: saveAgain,
} as const;

export type Defect = keyof typeof remedies;

/** Throws `malformed_weights`: “file: what; remedy.” */
export type Refuse = (defect: Defect, what: string, detail?: Record<string, unknown>, remedy?: string) => never;
