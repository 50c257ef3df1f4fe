"""What a run says about itself: metrics, the result object and the tearsheet."""
