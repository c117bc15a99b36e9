/* vfork on x86-64: the child runs on the caller's stack before the parent returns through it, so
 * the return address waits in a register, which each of the two processes has for itself. */

    .text
    .globl  wf_fork_vfork
    .hidden wf_fork_vfork
    .type   wf_fork_vfork, @function
    .p2align 4
wf_fork_vfork:
    .cfi_startproc
    endbr64
    movq    wf_seam_bypass@gottpoff(%rip), %rsi
    addl    $0x10000, %fs:(%rsi)    /* WF_BYPASS_VFORK; in the child until the parent resumes */
    popq    %rdi
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rdi
    movl    $58, %eax               /* SYS_vfork; keeps rdi and rsi */
    syscall
    pushq   %rdi
    .cfi_adjust_cfa_offset 8
    .cfi_offset %rip, -8
    testl   %eax, %eax
    jz      1f                      /* the child */
    subl    $0x10000, %fs:(%rsi)
    testl   %eax, %eax
    js      2f
1:  ret
2:  movslq  %eax, %rdi
    jmp     wf_fork_vfork_failed
    .cfi_endproc
    .size   wf_fork_vfork, . - wf_fork_vfork

    .section .note.GNU-stack, "", @progbits
