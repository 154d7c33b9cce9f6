"""WeChat: who a browser is in it, and the signature of its share card."""
