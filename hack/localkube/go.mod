// localkube runs a real single-node Kubernetes on a bare Debian machine. This
// module is the command that does it; Kubernetes itself is the module in kube/.
module sparkrtc.dev/recording-operator/hack/localkube

go 1.26.0

require github.com/spf13/cobra v1.10.2

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
)
