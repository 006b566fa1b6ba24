"""The commands of `dragoman` that are not a leaf's own, one file for each; `proxy.cli` mounts them."""
