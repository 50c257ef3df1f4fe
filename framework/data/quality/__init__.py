"""Whether data can be trusted: findings that are judged (`examine`), comparison and repair. What is no bar at all, `tape` refuses."""
