"""The form as its author tries it: checked as every other, and nothing of it stored."""
