"""Functions of arrays that run a traced function, under XLA in a way that frees the program.

TensorFlow keeps a program of `tf.function(jit_compile=True)` for the life of the process, and about
400 training programs crash it. A `tf.compat.v1.Session` frees its programs when it is dropped, so
each program has its own session. `tests/test_compiled.py` fails once TensorFlow frees programs
itself. Then `plain_function` is enough, and the rest of this file can be removed.
"""

import tensorflow as tf


def plain_function(traced):
    """Return a function of a flat list of arrays that calls a traced function directly."""

    def run(*arrays):
        with_structure = tf.nest.pack_sequence_as(traced.structured_input_signature[0], arrays)
        return tf.nest.flatten(traced(*with_structure))

    return run


def compiled_function(traced, device):
    """Return a function of arrays that runs a traced function under XLA, in its own session.

    When it is dropped, everything that XLA compiled is freed.
    """
    whole = traced.graph.as_graph_def()
    definition = tf.compat.v1.GraphDef(
        node=[node for node in whole.node if node.op != "Placeholder"],  # arguments are passed in
        library=whole.library,
        versions=whole.versions,
    )
    names, results = ([t.name for t in tensors] for tensors in (traced.inputs, traced.outputs))
    with tf.Graph().as_default() as graph, tf.device(device):
        twins = {id(v.handle): tf.Variable(tf.zeros(v.shape, v.dtype)) for v in traced.variables}
        captured = [twins[id(handle)].handle for handle in traced.captured_inputs]
        given = traced.inputs[: len(names) - len(captured)]
        inputs = [tf.compat.v1.placeholder(tensor.dtype, tensor.shape) for tensor in given]

        def run(*arguments):
            values = dict(zip(names, arguments, strict=True))
            return tf.graph_util.import_graph_def(definition, values, results, name="")

        jitted = tf.function(run, jit_compile=True, autograph=False)
        arguments = (*inputs, *captured)
        outputs = jitted.get_concrete_function(*arguments)(*arguments)
        # On a GPU the session uses the process's configuration, which includes memory growth.
        config = None if "GPU" in device else _cpu_config()
        session = tf.compat.v1.Session(graph=graph, config=config)
        # XLA would compile another program for variables without a value.
        session.run(tf.compat.v1.global_variables_initializer())
        return session.make_callable(outputs, inputs)


def _cpu_config():
    """Return the configuration of a session without GPUs."""
    threads = tf.config.threading
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads.get_intra_op_parallelism_threads(),
        inter_op_parallelism_threads=threads.get_inter_op_parallelism_threads(),
        device_count={"GPU": 0},
    )
    config.graph_options.rewrite_options.disable_meta_optimizer = True  # XLA has its own
    return config
