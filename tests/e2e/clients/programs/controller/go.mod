module mirror

go 1.26

require (
	k8s.io/api v0.36.0
	k8s.io/apimachinery v0.36.0
	sigs.k8s.io/controller-runtime v0.25.2
)
