"""What was handed out of questionnaires: the basis of feedback rates."""
