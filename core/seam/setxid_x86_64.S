/* What a signal handler returns to: the kernel wants one with every handler on x86-64, and libc
 * does not lend its own for the signal number it keeps for itself. */

    .text
    .globl  wf_setxid_restorer
    .hidden wf_setxid_restorer
    .type   wf_setxid_restorer, @function
    .p2align 4
    nop                             /* unwinders look up the address before a return address */
wf_setxid_restorer:
    movl    $15, %eax               /* SYS_rt_sigreturn */
    syscall
    .size   wf_setxid_restorer, . - wf_setxid_restorer

    .section .note.GNU-stack, "", @progbits
