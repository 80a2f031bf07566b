"""Names, references, durations and the other small values that kinds are made of."""
