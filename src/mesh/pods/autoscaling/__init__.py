"""HorizontalPodAutoscalers: how many pods a workload needs for what they use."""
