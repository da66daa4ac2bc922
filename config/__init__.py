"""Where candleloop is set up: environment settings here, the pipeline in pipeline.yaml, label sets in label_sets/."""
