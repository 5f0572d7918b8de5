"""Balance clusters, place instances, plan capacity and maintenance."""
