"""Cross-tabs: how the answers to one question go with those to another."""
