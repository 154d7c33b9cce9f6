"""Coverage over a school year: between which bounds it lies, over several campaigns."""
