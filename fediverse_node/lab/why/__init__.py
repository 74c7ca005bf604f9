"""Why did this not reach them? The way of a post to a host, stage by stage, in plain words."""
