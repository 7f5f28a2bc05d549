;; Makes a program out of the interpreter: an adapter, in wit-component's sense, between what its core module imports
;; and exports and what the kernel offers and runs.
(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "bashkit_run" (func $python (result i32)))
  (import "glovebox:process/process@0.1.0" "exit" (func $exit (param i32)))
  (import "glovebox:fetch/fetch@0.1.0" "request" (func $request (param i32 i32 i64) (result i64)))
  (import "glovebox:fetch/fetch@0.1.0" "take" (func $take (param i32) (result i64)))

  ;; wasi:cli/run knows only success and failure; the exact status leaves by exit.
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (call $exit (i32.and (call $python) (i32.const 255)))
    i32.const 0)

  ;; Returns how it went and stores the answer's length.
  (func (export "http_request") (param $bytes i32) (param $length i32) (param $timeout_ms i64) (param $out i32) (result i32)
    (local $result i64)
    (local.set $result (call $request (local.get $bytes) (local.get $length) (local.get $timeout_ms)))
    (i32.store (local.get $out) (i32.wrap_i64 (local.get $result)))
    (i32.wrap_i64 (i64.shr_u (local.get $result) (i64.const 32))))

  ;; Copies the answer. A length of -1 means that nobody wants it: the next request replaces it.
  (func (export "http_take") (param $to i32) (param $length i32) (result i32)
    (local $at i32)
    (local $eight i64)
    (block $done
      (br_if $done (i32.lt_s (local.get $length) (i32.const 0)))
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
        (local.set $eight (call $take (local.get $at)))
        (if (i32.ge_u (i32.sub (local.get $length) (local.get $at)) (i32.const 8))
          (then
            (i64.store (i32.add (local.get $to) (local.get $at)) (local.get $eight))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $next)))
        (loop $byte
          (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
          (i64.store8 (i32.add (local.get $to) (local.get $at)) (local.get $eight))
          (local.set $eight (i64.shr_u (local.get $eight) (i64.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $byte))))
    i32.const 0))
