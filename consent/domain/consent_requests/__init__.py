"""A company's questions: whether a line may be asked at all, what stands behind a link, and how a number stands."""
