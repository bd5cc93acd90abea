"""Jupyter's own test of kernels, with what it needs to know of this one.

Two of its cases do not apply: a cell has no call that clears its output, and there is no pager.
"""

import unittest

import jupyter_kernel_test


class Protocol(jupyter_kernel_test.KernelTests):
    kernel_name = "rust"
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("oops");'
    code_generate_error = 'panic!("oh");'
    completion_samples = [{"text": "std::vec::Ve", "matches": {"Vec"}}]
    complete_code_samples = ["1 + 1", "fn f() {}", 'let s = "}";']
    incomplete_code_samples = ["fn f() {", "vec![1,", '"open']
    invalid_code_samples = ["f())"]
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "6 + 3", "result": "9"},
        {"code": "6 - 4", "result": "2"},
    ]
    code_display_data = [
        {
            "code": 'Bars::new("t").bar("a", 1.0).evcxr_display(); println!("x");',
            "mime": "image/svg+xml",
        }
    ]
    code_inspect_sample = "std::vec::Vec::<u32>::new"
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")

    def setUp(self):
        super().setUp()
        # The first cell waits until the kernel is ready.
        self.execute_helper(code="1;", timeout=120)


if __name__ == "__main__":
    unittest.main(verbosity=2)
