/*
 * Tenon device plugin ABI. C11, self-contained: <stddef.h> and <stdint.h> only.
 *
 * A plugin is one shared library that exports one function, `tn_plugin_entry`. The host calls it,
 * negotiates versions, opens the plugin and fetches tables of functions by name: "core" (devices,
 * memory, streams, events) and "ops" (kernels) are required.
 *
 * Laws (README.md gives the reasons):
 *  - Every struct but the descriptor begins with struct_size (bytes the WRITER knows) and flags.
 *    A reader reads only what lies inside struct_size; a missing tail has the documented zero
 *    default; an extra tail is ignored; an unknown flag in the must-understand half
 *    (TN_FLAGS_MUST_UNDERSTAND) is an error.
 *  - Append only. A changed meaning is a new name. Enumerators are never renumbered.
 *  - Strings are pointer + length, UTF-8, not terminated. Whoever allocates frees. Handles are
 *    opaque; releasing NULL is a no-op.
 *  - Functions return a tn_status. A plugin that returns an error first calls
 *    host->set_error(text) on the calling thread; the host copies the text at once.
 *  - Nothing (exception, signal, exit, abort) crosses the boundary but a status.
 *  - Threads: plugin, device and kernel functions may be called from any thread at once; one
 *    stream is used by one thread at a time. There is no "current device".
 *
 * Marks: [in] borrowed for the call, [out] written by the callee, [own] ownership moves,
 * "Since 0" is the minor version that introduced an entry.
 */
#ifndef TENON_API_DEVICE_PLUGIN_H
#define TENON_API_DEVICE_PLUGIN_H

/* NOLINTBEGIN(modernize-deprecated-headers): this is C */
#include <stddef.h>
#include <stdint.h>
/* NOLINTEND(modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- versions ------------------------------------------------------------------------------ */

#define TN_ABI_MAJOR 1u /* while pre-release, "ABI 0.N" is major N */
#define TN_ABI_MINOR 1u
#define TN_MAGIC UINT64_C(0x314e4f4e45544e54) /* "TNTENON1", little endian */

#define TN_MAX_RANK 8u
#define TN_MAX_NAME 32u

/* The upper half of every `flags` word must be understood by the reader, the lower is advice. */
#define TN_FLAGS_MUST_UNDERSTAND 0xffff0000u

/* ---- status -------------------------------------------------------------------------------- */

typedef int32_t tn_status;
#define TN_OK 0
#define TN_INVALID_ARGUMENT 1 /* the caller broke this contract */
#define TN_UNIMPLEMENTED 2    /* this slot or operator is not there */
#define TN_UNSUPPORTED 3      /* there, but not for this dtype, layout or value */
#define TN_OUT_OF_MEMORY 4    /* the host trims its cache, synchronises and retries once */
#define TN_DEVICE_LOST 5      /* sticky: every later call on the device fails the same way */
#define TN_INDEX_ERROR 6      /* an index value was out of range (see tn_core.stream_sync) */
#define TN_INTERNAL 7         /* a bug or a driver failure; the text says which */
#define TN_VERSION_MISMATCH 8 /* no common ABI version */
#define TN_TIMEOUT 9          /* event_wait ran out of time */

/* ---- data types ---------------------------------------------------------------------------- */

#define TN_DTYPE_BOOL 1u /* one byte, 0 or 1 */
#define TN_DTYPE_U8 2u
#define TN_DTYPE_I8 3u
#define TN_DTYPE_I16 4u
#define TN_DTYPE_I32 5u
#define TN_DTYPE_I64 6u
#define TN_DTYPE_F16 7u  /* IEEE binary16 */
#define TN_DTYPE_BF16 8u /* upper half of binary32 */
#define TN_DTYPE_F32 9u
#define TN_DTYPE_F64 10u
#define TN_DTYPE_COUNT 11u /* one past the last of this version; unknown values: UNSUPPORTED */

/* ---- handles ------------------------------------------------------------------------------- */

typedef struct tn_plugin_s* tn_plugin;
typedef struct tn_device_s* tn_device;
typedef struct tn_buffer_s* tn_buffer;
typedef struct tn_stream_s* tn_stream;
typedef struct tn_kernel_s* tn_kernel;

/* ---- host services ------------------------------------------------------------------------- */

#define TN_LOG_DEBUG 0u
#define TN_LOG_INFO 1u
#define TN_LOG_WARNING 2u
#define TN_LOG_ERROR 3u

/* Runs one part [begin, end) of a range. Must not call host->parallel_for's caller back into
 * the plugin's own blocking functions; nested parallel_for runs inline. */
typedef void (*tn_range_fn)(void* context, int64_t begin, int64_t end);

/* The host's services. Lives as long as the plugin is open; copy the pointer. Since 0. */
typedef struct tn_host {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t abi_major; /* version in force for this plugin */
  uint32_t abi_minor;
  void* context; /* passed back to every function below */

  /* Copies `text` as the calling thread's error text. [in] text */
  void (*set_error)(void* context, const char* text, uint64_t text_size);
  /* One line into the host's log. [in] text */
  void (*log)(void* context, uint32_t level, const char* text, uint64_t text_size);
  /* Configuration value of `key` (set by TENON_<PLUGIN>_<KEY> or the host's program), two-call:
   * writes at most capacity bytes, *size gets the full length. UNSUPPORTED when unset.
   * [in] key [out] value, size */
  tn_status (*config)(void* context, const char* key, uint64_t key_size, char* value,
                      uint64_t capacity, uint64_t* size);
  /* Calls fn over [0, count) in parts of at least `grain`, on the host's one pool and the calling
   * thread; returns when all parts are done. Small ranges run inline. */
  void (*parallel_for)(void* context, int64_t count, int64_t grain, tn_range_fn fn,
                       void* fn_context);
  /* Number of threads that parallel_for may use, >= 1. */
  uint32_t (*thread_count)(void* context);
  /* For a layer: the wrapped plugin's table of that name, else UNSUPPORTED. [out] table */
  tn_status (*next_interface)(void* context, const char* name, uint64_t name_size,
                              const void** table);
  /* For a layer: the wrapped plugin's handle, else NULL. */
  tn_plugin next;
} tn_host;

/* ---- entry --------------------------------------------------------------------------------- */

/* What the host offers, passed to the entry function. Since 0. */
typedef struct tn_host_version {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t abi_major_min; /* the host speaks majors min..max ... */
  uint32_t abi_major_max;
  uint32_t abi_minor; /* ... and of the newest major this minor */
  uint32_t reserved;
} tn_host_version;

#define TN_DESCRIPTOR_PRERELEASE 0x1u /* the ABI named is a pre-release: "0.<major>" */
#define TN_DESCRIPTOR_LAYER 0x2u      /* the plugin wraps another (host->next) */

/* DLPack device types, for exchange with other frameworks. */
#define TN_DLPACK_CPU 1u
#define TN_DLPACK_CUDA 2u
#define TN_DLPACK_VULKAN 7u
#define TN_DLPACK_EXT 12u

/* The plugin's card. The first 32 bytes never change. In: descriptor_size = bytes the host
 * offers; out: bytes the plugin wrote. All strings are static in the plugin. */
typedef struct tn_plugin_descriptor {
  uint64_t magic;            /* TN_MAGIC */
  uint32_t descriptor_size;  /* see above */
  uint32_t descriptor_flags; /* TN_DESCRIPTOR_* */
  uint32_t abi_major;        /* newest major the plugin speaks */
  uint32_t abi_minor;        /* its minor */
  uint32_t abi_major_min;    /* oldest major it speaks */
  uint32_t host_minor_min;   /* least host minor it can live with */
  /* ---- frozen up to here ---- */
  const char* name; /* device type served, [a-z0-9_]{1,32} */
  uint64_t name_size;
  const char* version; /* the plugin's own version */
  uint64_t version_size;
  const char* vendor;
  uint64_t vendor_size;
  uint32_t dlpack_device_type; /* TN_DLPACK_*; 0 = EXT */
  uint32_t reserved;
  /* Opens the plugin. May be called again after close. [in] host (outlives the plugin) [own] out */
  tn_status (*open)(const tn_host* host, tn_plugin* out);
  /* Table of functions by name, static in the plugin; UNSUPPORTED when not offered. The host
   * reads the table's struct_size and version. [in] name [out] table */
  tn_status (*get_interface)(tn_plugin plugin, const char* name, uint64_t name_size,
                             const void** table);
} tn_plugin_descriptor;

/* The one exported symbol. Pure and re-callable: fills the descriptor, does nothing else. */
#define TN_ENTRY_SYMBOL "tn_plugin_entry"
typedef tn_status (*tn_plugin_entry_fn)(const tn_host_version* host, tn_plugin_descriptor* out);

/* The same facts as an ELF note, read before the file is opened as a library.
 * Section ".note.tenon", owner "Tenon", type TN_NOTE_TYPE, descriptor below. */
#define TN_NOTE_TYPE 0x544eu
typedef struct tn_plugin_note {
  uint32_t name_size_with_nul; /* ELF: length of owner = 6 */
  uint32_t descriptor_size;    /* ELF: length of what follows the owner */
  uint32_t type;               /* TN_NOTE_TYPE */
  char owner[8];               /* "Tenon" */
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t abi_major_min;
  uint32_t host_minor_min;
  char name[32];
} tn_plugin_note;

#define TN_CORE "core" /* tn_core, required */
#define TN_OPS "ops"   /* tn_ops, required */
#define TN_CAPTURE "capture"
#define TN_INTEROP "interop"
#define TN_COMM "comm"
#define TN_PROFILE "profile"

/* ---- devices ------------------------------------------------------------------------------- */

#define TN_DEVICE_HOST_MEMORY 0x1u /* works on host pointers: buffer_from_host and buffer_host */
#define TN_DEVICE_ASYNC 0x2u       /* launches may return before the work is done */
#define TN_DEVICE_RECOVERABLE 0x4u /* after DEVICE_LOST it may be closed and opened again */
#define TN_DEVICE_CONCURRENT 0x8u  /* several streams may make progress at once */
#define TN_DEVICE_SOFTWARE 0x10u   /* emulated on the host's processor: "auto" leaves it alone */

/* Facts about one device. Since 0. [out] of device_info; the host sets struct_size. */
typedef struct tn_device_info {
  uint32_t struct_size;
  uint32_t flags;            /* TN_DEVICE_* */
  char name[64];             /* for people, NUL padded */
  uint64_t memory_bytes;     /* total, 0 = unknown */
  uint64_t allocation_max;   /* largest buffer in bytes, 0 = no limit */
  uint64_t offset_alignment; /* tensors begin at multiples of this many bytes (power of two) */
  uint64_t compute_dtypes;   /* bit 1 << TN_DTYPE_x: "program", "reduce" and "matmul" compute it */
  /* limits of one pointwise program; the host splits what is larger. Each >= 1. */
  uint32_t program_instructions;
  uint32_t program_inputs; /* tensors and scalars are counted apart */
  uint32_t program_scalars;
  uint32_t program_outputs;
  uint32_t program_tail; /* 1: trailing reductions are understood */
  uint32_t compute_units;
} tn_device_info;

#define TN_UPLOAD_PINNED 0x1u /* the source stays valid until the event, else it is consumed */

#define TN_EVENT_PENDING 0u
#define TN_EVENT_DONE 1u
#define TN_EVENT_FAILED 2u

/* Devices, memory, streams, events. Slots marked (optional) may be NULL. Since 0. */
typedef struct tn_core {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t version; /* of this interface: 1 */
  uint32_t reserved;

  /* Releases the plugin; every device was closed before. */
  void (*close)(tn_plugin plugin);
  /* Number of devices. 0 is no error: set_error says why there are none. [out] count */
  tn_status (*device_count)(tn_plugin plugin, uint32_t* count);
  tn_status (*device_open)(tn_plugin plugin, uint32_t index, tn_device* out);
  /* Releases the device; its streams, kernels and buffers were released before. */
  void (*device_close)(tn_device device);
  tn_status (*device_info)(tn_device device, tn_device_info* info);
  /* Bytes now free and the budget. (optional) [out] */
  tn_status (*device_budget)(tn_device device, uint64_t* free_bytes, uint64_t* budget_bytes);

  /* Raw segments; the host sub-allocates. Contents undefined. [own] out */
  tn_status (*buffer_alloc)(tn_device device, uint64_t size_bytes, tn_buffer* out);
  /* Frees; the host guarantees that no work in flight uses it. */
  void (*buffer_free)(tn_buffer buffer);
  /* Wraps host memory, which stays the caller's. (HOST_MEMORY devices) [in] data [own] out */
  tn_status (*buffer_from_host)(tn_device device, void* data, uint64_t size_bytes, tn_buffer* out);
  /* Host address of the first byte. (HOST_MEMORY devices) [out] data */
  tn_status (*buffer_host)(tn_buffer buffer, void** data);

  tn_status (*stream_create)(tn_device device, tn_stream* out);
  void (*stream_destroy)(tn_stream stream);
  /* Waits for all work of the stream. On a failure returns its status with text, stores the tag of
   * the launch that failed (0 = unknown) and clears it, but for DEVICE_LOST. [out] failed_tag */
  tn_status (*stream_sync)(tn_stream stream, uint64_t* failed_tag);

  /* A point on the stream's timeline behind all work so far; values of one stream increase.
   * [out] value */
  tn_status (*event_record)(tn_stream stream, uint64_t* value);
  /* State of a point: TN_EVENT_*. FAILED sets the error text and stores the status. [out] both */
  tn_status (*event_query)(tn_stream stream, uint64_t value, uint32_t* state, tn_status* failure);
  /* The calling thread waits; TIMEOUT after timeout_ns (UINT64_MAX = for ever); a failure in the
   * work up to the point is returned, not cleared. */
  tn_status (*event_wait)(tn_stream stream, uint64_t value, uint64_t timeout_ns);
  /* Later work of `stream` waits for the point `value` of `other` (same device). */
  tn_status (*stream_wait)(tn_stream stream, tn_stream other, uint64_t value);

  /* Host to device, stream-ordered. `source` is consumed on return unless PINNED. [in] source */
  tn_status (*upload)(tn_stream stream, tn_buffer target, uint64_t offset_bytes, const void* source,
                      uint64_t size_bytes, uint32_t flags);
  /* Device to host, stream-ordered; `target` is valid after the stream reached this point. */
  tn_status (*download)(tn_stream stream, tn_buffer source, uint64_t offset_bytes, void* target,
                        uint64_t size_bytes);
} tn_core;

/* ---- operands and signatures --------------------------------------------------------------- */

/* One strided tensor. The host proved that every element lies inside the buffer. Strides are in
 * elements and never negative; 0 repeats (broadcast). Since 0. */
typedef struct tn_tensor {
  uint32_t struct_size;
  uint32_t flags;
  tn_buffer buffer;
  uint64_t offset_bytes;
  uint32_t dtype;
  uint32_t rank; /* 0..TN_MAX_RANK; 0 is one element */
  int64_t shape[8];
  int64_t strides[8];
} tn_tensor;

/* A tensor's class, packed in one word of the cache key: dtype | rank << 8 | layout << 16 |
 * alignment << 24, where alignment = log2 of the largest power of two (<= 64 bytes) that divides
 * the address offset. */
#define TN_LAYOUT_CONTIGUOUS 0u /* row-major dense, in the order of the operand's own shape */
#define TN_LAYOUT_INNER 1u      /* last dimension has stride 1, others anything */
#define TN_LAYOUT_BROADCAST 2u  /* every stride is 0: one element for all */
#define TN_LAYOUT_STRIDED 3u
#define TN_CLASS(dtype, rank, layout, align) \
  ((uint64_t)(dtype) | (uint64_t)(rank) << 8 | (uint64_t)(layout) << 16 | (uint64_t)(align) << 24)
#define TN_CLASS_DTYPE(word) ((uint32_t)(0xffu & (word)))
#define TN_CLASS_RANK(word) ((uint32_t)((word) >> 8 & 0xffu))
#define TN_CLASS_LAYOUT(word) ((uint32_t)((word) >> 16 & 0xffu))
#define TN_CLASS_ALIGN(word) ((uint32_t)((word) >> 24 & 0xffu))

/* A pointwise program; PROGRAM.md is normative. Values are numbered: tensor inputs first, then
 * scalars, then one per instruction. Since 0. */
typedef struct tn_program {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t input_count;
  uint32_t scalar_count;
  uint32_t instruction_count;
  uint32_t output_count;
  const uint32_t* scalar_dtypes; /* [scalar_count] */
  const uint32_t* instructions;  /* [instruction_count][4]: opcode | dtype << 16, a, b, c */
  const uint32_t* outputs;       /* [output_count] value numbers; dtype is the value's */
  uint32_t tail;                 /* 0 or TN_REDUCE_*: output 0 is reduced, output_count is 1 */
  uint32_t tail_dims;            /* bit d: dimension d of the iteration space is reduced */
} tn_program;

/* What a kernel is prepared for; together with `op` this is the host's cache key. A kernel must
 * not depend on anything else (sizes, strides, scalars) unless the answer said PER_SHAPE: then
 * `operands` hold the shapes it is for, and the key holds them too. Since 0. */
typedef struct tn_signature {
  uint32_t struct_size;
  uint32_t flags; /* TN_SIGNATURE_* */
  const char* op; /* operator name, e.g. "matmul" */
  uint64_t op_size;
  uint32_t op_version;   /* 1 */
  uint32_t output_count; /* operands: outputs first, then inputs */
  uint32_t operand_count;
  uint32_t attribute_count;
  const uint64_t* classes;          /* [operand_count] TN_CLASS words */
  const tn_tensor* const* operands; /* [operand_count] an example: the first launch's */
  const int64_t* attributes;        /* [attribute_count], meaning per operator (OPERATORS.md) */
  const tn_program* program;        /* "program" only, else NULL */
} tn_signature;

/* Every operand is dense, of one shape and in one order: element i of the one goes with element i
 * of the other, so strides may be ignored. */
#define TN_SIGNATURE_DENSE 0x1u
/* The host asks for the same bits on every run, thread count and batch size. */
#define TN_SIGNATURE_DETERMINISTIC 0x2u

#define TN_ANSWER_NO 0u
#define TN_ANSWER_NATIVE 1u
#define TN_ANSWER_CONTIGUOUS 2u /* native once the host made the operands contiguous */

#define TN_PRECISION_EXACT 0u /* within PROGRAM.md / the tolerance row */
#define TN_PRECISION_REDUCED 1u

#define TN_DETERMINISM_BITS 0u /* same bits run to run, any thread count */
#define TN_DETERMINISM_NONE 1u

#define TN_ANSWER_PER_SHAPE 0x1u   /* flag: the kernel depends on shapes and strides */
#define TN_ANSWER_HOST_STAGED 0x2u /* flag: scan, sort, nonzero only: let the host compute it */

/* Answer to query. Since 0. */
typedef struct tn_answer {
  uint32_t struct_size;
  uint32_t flags;   /* TN_ANSWER_PER_SHAPE, ... */
  uint32_t support; /* TN_ANSWER_NO, ... */
  uint32_t precision;
  uint32_t determinism;
  uint32_t reserved;
  char reason[128]; /* for people, NUL terminated; required with NO */
} tn_answer;

/* Scratch memory for one launch. Since 0. */
typedef struct tn_workspace {
  uint32_t struct_size;
  uint32_t flags;
  tn_buffer buffer;
  uint64_t offset_bytes;
  uint64_t size_bytes;
} tn_workspace;

/* Kernels. OPERATORS.md says what each operator computes. Since 0. */
typedef struct tn_ops {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t version; /* of this interface: 1 */
  uint32_t reserved;

  /* Can it, and how? Cheap, no side effect. [in] signature [out] answer */
  tn_status (*query)(tn_device device, const tn_signature* signature, tn_answer* answer);
  /* Makes the kernel; may be slow (compile). The signature is borrowed for the call. [own] out */
  tn_status (*prepare)(tn_device device, const tn_signature* signature, tn_kernel* out);
  void (*kernel_release)(tn_kernel kernel);
  /* Scratch bytes this launch needs. Pure. (optional: NULL = never any) [out] size_bytes */
  tn_status (*workspace)(tn_kernel kernel, const tn_tensor* const* operands, uint64_t* size_bytes);
  /* Queues the kernel. Never allocates, compiles or blocks. Operands as in the signature, scalars
   * are 8-byte slots (program scalars, then the operator's own): f64 for float dtypes, i64 for
   * integer and bool. workspace is NULL when size 0. `tag` names the launch in errors.
   * UNSUPPORTED means: not for these sizes, nothing was queued; the host composes an optional
   * operator instead. [in] all */
  tn_status (*launch)(tn_stream stream, tn_kernel kernel, const tn_tensor* const* operands,
                      const uint64_t* scalars, const tn_workspace* workspace, uint64_t tag);
  /* The same kernel over `count` operand sets, laid one after another. (optional) */
  tn_status (*launch_many)(tn_stream stream, tn_kernel kernel, uint64_t count,
                           const tn_tensor* const* operands, const uint64_t* scalars,
                           const tn_workspace* workspace, uint64_t tag);
} tn_ops;

/* ---- required operators (OPERATORS.md) ------------------------------------------------------ */

#define TN_OP_FILL "fill"
#define TN_OP_COPY "copy"
#define TN_OP_PROGRAM "program"
#define TN_OP_REDUCE "reduce"
#define TN_OP_MATMUL "matmul"
#define TN_OP_GATHER "gather"
#define TN_OP_SCATTER "scatter"
#define TN_OP_SCAN "scan"
#define TN_OP_SORT "sort"
#define TN_OP_NONZERO_COUNT "nonzero_count"
#define TN_OP_NONZERO "nonzero"
#define TN_OP_RANDOM "random"

#define TN_REDUCE_SUM 1u
#define TN_REDUCE_PROD 2u
#define TN_REDUCE_MAX 3u
#define TN_REDUCE_MIN 4u
#define TN_REDUCE_ARGMAX 5u
#define TN_REDUCE_ARGMIN 6u
#define TN_REDUCE_ANY 7u
#define TN_REDUCE_ALL 8u

#define TN_SCATTER_SET 0u
#define TN_SCATTER_ADD 1u

#define TN_SCAN_SUM 0u
#define TN_SCAN_PROD 1u

#define TN_RANDOM_BITS 0u    /* i64 in [0, 2^32) */
#define TN_RANDOM_UNIFORM 1u /* f32 in [0, 1): the upper 24 bits times 2^-24 */

/* ---- program opcodes (PROGRAM.md) ---------------------------------------------------------- */

#define TN_PROGRAM_ADD 1u
#define TN_PROGRAM_SUB 2u
#define TN_PROGRAM_MUL 3u
#define TN_PROGRAM_DIV 4u /* floats: true division; integers: truncated, x / 0 = 0 */
#define TN_PROGRAM_REM 5u /* sign of the dividend (C fmod, %); integers: x rem 0 = 0 */
#define TN_PROGRAM_POW 6u
#define TN_PROGRAM_MIN 7u /* NaN wins */
#define TN_PROGRAM_MAX 8u
#define TN_PROGRAM_ATAN2 9u
#define TN_PROGRAM_FMA 10u /* a * b + c, rounded once in floats */

#define TN_PROGRAM_AND 16u /* bool and integers */
#define TN_PROGRAM_OR 17u
#define TN_PROGRAM_XOR 18u
#define TN_PROGRAM_NOT 19u
#define TN_PROGRAM_SHL 20u /* shift >= width or < 0: 0 */
#define TN_PROGRAM_SHR 21u /* arithmetic for signed; >= width: 0, or -1 for negative */

#define TN_PROGRAM_EQ 32u /* result is bool */
#define TN_PROGRAM_NE 33u
#define TN_PROGRAM_LT 34u
#define TN_PROGRAM_LE 35u
#define TN_PROGRAM_GT 36u
#define TN_PROGRAM_GE 37u
#define TN_PROGRAM_ISNAN 38u

#define TN_PROGRAM_WHERE 48u /* a bool ? b : c */
#define TN_PROGRAM_CAST 49u  /* to dtype, from the dtype of a */
#define TN_PROGRAM_COPY 50u  /* a */
#define TN_PROGRAM_INDEX 51u /* i64: row-major number of the element in the iteration space */

#define TN_PROGRAM_NEG 64u
#define TN_PROGRAM_ABS 65u
#define TN_PROGRAM_SIGN 66u
#define TN_PROGRAM_FLOOR 67u
#define TN_PROGRAM_CEIL 68u
#define TN_PROGRAM_TRUNC 69u
#define TN_PROGRAM_ROUND 70u /* half to even */
#define TN_PROGRAM_SQRT 71u
#define TN_PROGRAM_RSQRT 72u
#define TN_PROGRAM_RECIP 73u
#define TN_PROGRAM_EXP 74u
#define TN_PROGRAM_EXPM1 75u
#define TN_PROGRAM_LOG 76u
#define TN_PROGRAM_LOG1P 77u
#define TN_PROGRAM_SIN 78u
#define TN_PROGRAM_COS 79u
#define TN_PROGRAM_TAN 80u
#define TN_PROGRAM_ASIN 81u
#define TN_PROGRAM_ACOS 82u
#define TN_PROGRAM_ATAN 83u
#define TN_PROGRAM_SINH 84u
#define TN_PROGRAM_COSH 85u
#define TN_PROGRAM_TANH 86u
#define TN_PROGRAM_ASINH 87u
#define TN_PROGRAM_ACOSH 88u
#define TN_PROGRAM_ATANH 89u
#define TN_PROGRAM_ERF 90u
#define TN_PROGRAM_ERFC 91u
#define TN_PROGRAM_SIGMOID 92u
#define TN_PROGRAM_LOG2 93u
#define TN_PROGRAM_EXP2 94u
#define TN_PROGRAM_RELU 95u /* x > 0 ? x : 0, NaN stays */

/* ---- frozen minimums ----------------------------------------------------------------------- */

/* Sizes at minor 0. A struct that a reader is handed with fewer bytes is INVALID_ARGUMENT; these
 * numbers never change. Where the reader of the bytes allocates them (device_info, query) any size
 * from 8 on is right and the writer writes what fits. */
#define TN_MIN_DESCRIPTOR 32u
#define TN_MIN_HOST 80u
#define TN_MIN_HOST_VERSION 24u
#define TN_MIN_CORE 168u
#define TN_MIN_OPS 64u
#define TN_MIN_TENSOR 160u
#define TN_MIN_PROGRAM 56u
#define TN_MIN_SIGNATURE 72u
#define TN_MIN_WORKSPACE 32u

/* ---- the export ---------------------------------------------------------------------------- */

#if defined(__GNUC__) || defined(__clang__)
#define TN_EXPORT __attribute__((visibility("default")))
#define TN_NOTE_ATTRIBUTES __attribute__((section(".note.tenon"), used, aligned(4)))
#else
#define TN_EXPORT
#define TN_NOTE_ATTRIBUTES
#endif

#ifdef __cplusplus
#define TN_EXTERN_C extern "C"
#else
#define TN_EXTERN_C
#endif

/* Emits the export and the ELF note. NAME is a string literal; FILL is a function
 * `void FILL(tn_plugin_descriptor* d)` that sets version, vendor, dlpack_device_type, open,
 * get_interface (and flags); all else is set here. */
#define TN_PLUGIN(NAME, FILL)                                                                  \
  TN_NOTE_ATTRIBUTES static const tn_plugin_note tn_plugin_note_ = {                           \
      6u,           sizeof(tn_plugin_note) - 20u,                                              \
      TN_NOTE_TYPE, "Tenon",                                                                   \
      TN_ABI_MAJOR, TN_ABI_MINOR,                                                              \
      TN_ABI_MAJOR, 0u,                                                                        \
      NAME};                                                                                   \
  TN_EXTERN_C TN_EXPORT tn_status tn_plugin_entry(const tn_host_version* host,                 \
                                                  tn_plugin_descriptor* out) {                 \
    tn_plugin_descriptor d;                                                                    \
    unsigned char* from = (unsigned char*)&d;                                                  \
    unsigned char* to = (unsigned char*)out;                                                   \
    uint32_t room, i;                                                                          \
    if (host == NULL || out == NULL || out->descriptor_size < 32u) return TN_INVALID_ARGUMENT; \
    for (i = 0; i < sizeof d; ++i) from[i] = 0;                                                \
    room = out->descriptor_size;                                                               \
    d.magic = TN_MAGIC;                                                                        \
    d.descriptor_size = room < sizeof d ? room : (uint32_t)sizeof d;                           \
    d.descriptor_flags = TN_DESCRIPTOR_PRERELEASE;                                             \
    d.abi_major = TN_ABI_MAJOR;                                                                \
    d.abi_minor = TN_ABI_MINOR;                                                                \
    d.abi_major_min = TN_ABI_MAJOR;                                                            \
    d.name = NAME;                                                                             \
    d.name_size = sizeof(NAME) - 1u;                                                           \
    FILL(&d);                                                                                  \
    for (i = 0; i < d.descriptor_size; ++i) to[i] = from[i];                                   \
    return TN_OK;                                                                              \
  }

#ifdef __cplusplus
}
#endif

#endif /* TENON_API_DEVICE_PLUGIN_H */
