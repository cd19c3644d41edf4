package outbox

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// ErrChanged is returned by Tree.Do when the nodes of a step changed since the
// plan was made: the plan is made again.
var ErrChanged = errors.New("changed since the plan was made")

// Tree is what the executor needs of the namespace. All methods may be called at
// once from many goroutines.
type Tree interface {
	// Recover looks up every mutating call that was announced and whose
	// outcome is not known, and adopts or forgets what became of it. It is
	// called before anything is planned, again until it returns nil, and
	// whenever a call's outcome is unknown.
	Recover(ctx context.Context) error
	// Snapshot returns what is to be planned, and when a node that is not
	// ready yet becomes so, zero if none does by itself. force makes all
	// nodes ready that can be sent.
	Snapshot(force bool) (in Input, next time.Time, err error)
	// Do carries out one step of a plan made of in: it announces it, makes the
	// call and commits the result. It returns ErrChanged, without having made
	// a call, if in no longer holds. Failures of single nodes are recorded in
	// the nodes; the error says what became of the step as a whole.
	Do(ctx context.Context, step Step, in *Input) error
}

// Options tune an Executor.
type Options struct {
	// Concurrency is how many steps run at once; 0 means 4.
	Concurrency int
	// Pause is how long nothing is sent after a failure that concerns
	// everything; it doubles with each. 0 means two seconds.
	Pause time.Duration
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// lastPause is the longest pause after failures that concern everything (no
// network, no budget, wrong credentials).
const lastPause = 2 * time.Minute

// replanAfter is how old a plan may be when something new was changed.
const replanAfter = time.Second

// minReplan is the shortest time between two plans that nothing asked for.
const minReplan = 200 * time.Millisecond

// Executor carries out plans until the provider has what the mount shows.
type Executor struct {
	tree Tree
	opt  Options

	wake chan struct{}
	done chan outcome

	// mu guards the fields below.
	mu      sync.Mutex
	forced  int
	news    chan struct{}
	trouble error
	pause   time.Duration
	until   time.Time
	running int
	// urgent is true if there is reason to plan again at once.
	urgent bool

	// The fields below belong to the goroutine of Run.
	plan      *plan
	recovered bool
	// looks counts plans that looked at the same things again.
	looks int
	// looking are the looks under way, whatever plan they are of.
	looking map[look]bool
}

// plan is the plan that is being carried out.
type plan struct {
	in    Input
	steps []Step
	state []stepState
	// made is when, and cost how long it took.
	made time.Time
	cost time.Duration
	next time.Time
	// looking is the executor's.
	looking map[look]bool
}

type stepState uint8

const (
	waiting stepState = iota
	started
	succeeded
	failed
)

type outcome struct {
	plan *plan
	step int
	err  error
}

// NewExecutor makes an executor; Run starts it.
func NewExecutor(tree Tree, opt Options) *Executor {
	if opt.Concurrency == 0 {
		opt.Concurrency = 4
	}
	if opt.Pause == 0 {
		opt.Pause = 2 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Executor{
		tree: tree, opt: opt, wake: make(chan struct{}, 1), done: make(chan outcome), news: make(chan struct{}),
		looking: map[look]bool{},
	}
}

// Wake tells that something was changed.
func (e *Executor) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Force makes everything ready that can be sent, without settling, until the
// returned function is called, and ends a pause.
func (e *Executor) Force() (release func()) {
	e.mu.Lock()
	e.forced++
	e.urgent = true
	e.until = time.Time{}
	e.mu.Unlock()
	e.Wake()
	return func() {
		e.mu.Lock()
		e.forced--
		e.mu.Unlock()
	}
}

// News returns a channel that is closed when the next step is over, or a plan
// was found to be empty.
func (e *Executor) News() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.news
}

// Trouble is what keeps everything from being sent, nil if nothing does.
func (e *Executor) Trouble() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trouble
}

// Running is how many steps are being carried out.
func (e *Executor) Running() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running
}

func (e *Executor) publish() {
	e.mu.Lock()
	close(e.news)
	e.news = make(chan struct{})
	e.mu.Unlock()
}

// Run carries out plans until ctx ends, and returns when no step is under way.
func (e *Executor) Run(ctx context.Context) {
	defer e.drain()
	for ctx.Err() == nil {
		wait := e.advance(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-e.wake:
		case <-timer.C:
		case o := <-e.done:
			e.finish(o)
		}
		timer.Stop()
	}
}

// drain waits for the steps that are under way.
func (e *Executor) drain() {
	for e.Running() > 0 {
		e.finish(<-e.done)
	}
}

// idle is how long to wait when nothing is known to come.
const idle = time.Hour

// advance starts what can be started and returns how long to wait for something
// else to happen.
func (e *Executor) advance(ctx context.Context) time.Duration {
	if wait, ok := e.prepare(ctx); !ok {
		return wait
	}
	e.dispatch(ctx)
	return e.untilNext()
}

// prepare makes sure that there is a plan that holds; ok is false, and wait how
// long to wait, if there can be none now.
func (e *Executor) prepare(ctx context.Context) (wait time.Duration, ok bool) {
	if wait := e.pauseLeft(); wait > 0 {
		return wait, false
	}
	if !e.recovered {
		if err := e.lookUp(ctx); err != nil {
			return e.pauseLeft(), false
		}
	}
	if !e.spent() {
		return 0, true
	}
	if wait := e.throttled(); wait > 0 {
		return wait, false
	}
	if !e.replan() {
		return max(e.pauseLeft(), minReplan), false
	}
	wait = e.pauseLeft()
	return wait, wait <= 0
}

// Step is Run for a caller that has its own idea of when something is sent: it
// carries out at most one step, in the caller's goroutine, and tells whether there
// was one. pick chooses among n steps that can be started. While a step is carried
// out, Step may be called again, as steps may run side by side.
func (e *Executor) Step(ctx context.Context, pick func(n int) int) bool {
	if _, ok := e.prepare(ctx); !ok {
		return false
	}
	p := e.plan
	var ready []int
	for i := range p.steps {
		if p.ready(i) {
			ready = append(ready, i)
		}
	}
	if len(ready) == 0 {
		return false
	}
	i := ready[pick(len(ready))]
	e.begin(p, i)
	e.finish(outcome{p, i, e.tree.Do(ctx, p.steps[i], &p.in)})
	return true
}

// begin notes that a step is under way.
func (e *Executor) begin(p *plan, i int) {
	p.state[i] = started
	if l, ok := lookOf(p.steps[i]); ok {
		e.looking[l] = true
	}
	e.mu.Lock()
	e.running++
	e.mu.Unlock()
}

// throttled is how long to wait before planning again: a plan costs time in
// proportion to what differs, and every change wakes the executor. Results of
// steps and a Force do not wait.
func (e *Executor) throttled() time.Duration {
	e.mu.Lock()
	urgent := e.urgent
	e.urgent = false
	e.mu.Unlock()
	if urgent || e.plan == nil {
		return 0
	}
	pause := max(minReplan, 10*e.plan.cost)
	return pause - e.opt.Now().Sub(e.plan.made)
}

func (e *Executor) lookUp(ctx context.Context) error {
	err := e.tree.Recover(ctx)
	e.note(err)
	e.recovered = err == nil
	return err
}

// spent tells whether the plan has nothing more to start, or is old. While
// something is being looked at, a new plan would want to look at it, too.
func (e *Executor) spent() bool {
	p := e.plan
	if p == nil || (!p.startable() && len(e.looking) == 0) {
		return true
	}
	return e.opt.Now().Sub(p.made) > replanAfter
}

// look is what an observe step asks about.
type look struct {
	op     Op
	folder uint64
	node   uint64
}

// lookOf returns what a step asks about, if it changes nothing.
func lookOf(s Step) (look, bool) {
	switch s.Op {
	case Look:
		return look{op: Look, node: s.Inos[0]}, true
	case ListDir, ListTree:
		return look{op: s.Op, folder: s.Parent}, true
	}
	return look{}, false
}

// startable tells whether a step can be started.
func (p *plan) startable() bool {
	for i := range p.steps {
		if p.ready(i) {
			return true
		}
	}
	return false
}

func (p *plan) ready(i int) bool {
	if p.state[i] != waiting {
		return false
	}
	if l, ok := lookOf(p.steps[i]); ok && p.looking[l] {
		return false // an earlier plan looks at it
	}
	for _, before := range p.steps[i].After {
		if p.state[before] != succeeded {
			return false
		}
	}
	return true
}

// replan makes a plan of what differs now; it tells whether there was one to
// make.
func (e *Executor) replan() bool {
	e.mu.Lock()
	force := e.forced > 0
	e.mu.Unlock()
	begun := e.opt.Now()
	in, next, err := e.tree.Snapshot(force)
	if err != nil {
		e.note(err)
		return false
	}
	steps := Plan(in)
	e.slowDown(steps)
	now := e.opt.Now()
	e.plan = &plan{in: in, steps: steps, state: make([]stepState, len(steps)), made: now, cost: now.Sub(begun), next: next, looking: e.looking}
	if len(steps) == 0 {
		e.publish()
	}
	return true
}

// slowDown lets time pass before a plan that only looks, as the one before it
// did at the same things: what was seen did not help, and a provider that
// answers strangely must not be asked without end.
func (e *Executor) slowDown(steps []Step) {
	again := e.plan != nil && len(steps) > 0 && len(e.looking) == 0 && reflect.DeepEqual(steps, e.plan.steps)
	for _, s := range steps {
		again = again && s.Op.Observes()
	}
	if !again {
		e.looks = 0
		return
	}
	e.looks++
	e.mu.Lock()
	e.until = e.opt.Now().Add(min(e.opt.Pause<<min(e.looks, 16), lastPause))
	e.mu.Unlock()
}

// dispatch starts steps while there is room.
func (e *Executor) dispatch(ctx context.Context) {
	p := e.plan
	for i := range p.steps {
		if e.Running() >= e.opt.Concurrency {
			return
		}
		if p.ready(i) {
			e.begin(p, i)
			go func() { e.done <- outcome{p, i, e.tree.Do(ctx, p.steps[i], &p.in)} }()
		}
	}
}

// finish takes in how a step went.
func (e *Executor) finish(o outcome) {
	if l, ok := lookOf(o.plan.steps[o.step]); ok {
		delete(e.looking, l)
	}
	o.plan.state[o.step] = succeeded
	if o.err != nil {
		o.plan.state[o.step] = failed
	}
	e.mu.Lock()
	e.running--
	e.urgent = e.urgent || !errors.Is(o.err, ErrChanged)
	e.mu.Unlock()
	if remote.IsUnknown(o.err) {
		e.recovered = false
	}
	if !errors.Is(o.err, ErrChanged) {
		e.note(o.err)
	}
	e.publish()
}

// note takes in an error that may concern everything.
func (e *Executor) note(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.trouble, e.pause = nil, 0
		return
	}
	switch remote.KindOf(err) {
	case remote.Offline, remote.Budget, remote.Auth, remote.Temporary, remote.NoSpace, remote.Other, remote.Corrupt:
	default:
		return
	}
	e.trouble = err
	if e.opt.Now().Before(e.until) {
		return // several that failed at once are one failure
	}
	e.pause = min(max(2*e.pause, e.opt.Pause), lastPause)
	e.until = e.opt.Now().Add(e.pause)
	e.opt.Logger.Warn("sending paused", "for", e.pause, "err", err)
}

func (e *Executor) pauseLeft() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.until.Sub(e.opt.Now())
}

// untilNext is how long nothing can be done, as far as is known now: a change
// wakes the executor, and so does the end of a step.
func (e *Executor) untilNext() time.Duration {
	if e.plan.next.IsZero() {
		return idle
	}
	return max(e.plan.next.Sub(e.opt.Now()), 10*time.Millisecond)
}
