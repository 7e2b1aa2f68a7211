"""What is said to a model: texts in Markdown, read as package data. A leaf, which imports nothing of Milepost."""

__all__: list[str] = []
