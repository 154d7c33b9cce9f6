"""Posters of links: one sheet of A4 each, to be printed and hung up at the school's gate."""
