"""Plans: scope, windows, strategy and artifacts of a rollout; who is offered what, and when."""
