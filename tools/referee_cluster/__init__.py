"""A cluster of real parts on one machine: etcd, kube-apiserver, kube-controller-manager, istiod, an Envoy per pod."""
