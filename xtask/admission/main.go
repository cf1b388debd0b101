// Program admission runs the chart's admission policies with the code by which Kubernetes' API server runs them:
// their expressions are compiled as when a policy is created, held against the schemas of what they judge, and
// asked what the chart's own tests ask of them.
//
// `cargo xtask api-proof` builds it from the sources of k8s.io/apiserver that Debian has.
package main

import (
	"fmt"
	"io"
	"os"

	"k8s.io/klog/v2"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: admission RENDERED MANIFEST QUESTIONS")
		os.Exit(2)
	}
	// Only errors are of interest.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run proves what is in three files: the sets of objects that the chart's tests keep, the manifest with the
// definitions, and the questions, one a line. The error is about a file, or that something failed.
func run(rendered, manifest, questions string) error {
	sets, err := readSets(rendered)
	if err != nil {
		return err
	}
	schemas, err := readSchemas(manifest)
	if err != nil {
		return err
	}
	asked, err := readQuestions(questions)
	if err != nil {
		return err
	}
	var told report
	for number, set := range sets {
		proveExpressions(&told, schemas, number, set)
	}
	proveQuestions(&told, sets, asked)
	proveFaultsAreFound(&told, schemas, sets[0], asked)
	return told.close()
}

// report counts what held and tells what did not, as the test runner of Rust does.
type report struct {
	passed, failed int
}

// add is about one thing, by its name, and what is wrong with it.
func (r *report) add(name string, wrong []string) {
	if len(wrong) == 0 {
		r.passed++
		fmt.Printf("test %s ... ok\n", name)
		return
	}
	r.failed++
	fmt.Printf("test %s ... FAILED\n", name)
	const most = 5
	for number, text := range wrong {
		if number == most {
			fmt.Printf("             and %d more\n", len(wrong)-most)
			break
		}
		fmt.Printf("             %s\n", text)
	}
}

// close writes the sums. The error says that something failed.
func (r *report) close() error {
	word := "ok"
	if r.failed > 0 {
		word = "FAILED"
	}
	fmt.Printf("test result: %s. %d passed; %d failed; 0 ignored\n", word, r.passed, r.failed)
	if r.failed > 0 {
		return fmt.Errorf("the API server would not take the policies, or would decide otherwise")
	}
	return nil
}
