"""Xinsheng 心声: questionnaires answered on the phone, counted exactly."""
