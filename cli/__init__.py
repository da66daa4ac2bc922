"""The candleloop command."""
