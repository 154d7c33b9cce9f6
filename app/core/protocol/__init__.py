"""HTTP as it arrives: uvicorn's protocol, with limits to what a connection may cost."""
