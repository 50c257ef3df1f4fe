"""Whether data can be trusted: hard rules that refuse (`bars`), findings that are judged (`examine`), comparison and repair."""
