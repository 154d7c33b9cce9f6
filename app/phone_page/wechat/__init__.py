"""Pages around WeChat: where people are sent to it, where they come back, and what may fail."""
