/* The contract is a header; this file only makes the target buildable. */
