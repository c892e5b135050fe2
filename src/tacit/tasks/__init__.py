"""What a job can be asked to do, step by step, on every party: the components that apps run."""
