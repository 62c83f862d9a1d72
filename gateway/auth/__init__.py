"""Who calls: one file for each kind of credential, and how they are combined; gateway.stages.authenticate makes steps of them."""
