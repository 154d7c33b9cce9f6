"""Xinsheng 心声: questionnaires answered on the phone, counted exactly."""

import gc

# What is being loaded is no garbage: to look through it again and again is a tenth of what every
# process takes to begin.
gc.set_threshold(100_000, 20, 20)
