"""Large images refined tile by tile into files: here or on a cluster, and on from where a run was stopped."""
