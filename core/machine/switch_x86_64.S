/* Context switch for x86-64, System V ABI: rbx rbp r12-r15, MXCSR and the x87 control word are
 * the callee's to keep. The CFI lets debuggers and unwinders walk a fiber that is switched out. */
#include <asm/prctl.h>
#include <asm/unistd.h>

        .text

        .macro SAVE
        .cfi_startproc
        pushq %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw 4(%rsp)
        movq %rsp, (%rdi)
        .endm

        .macro RESTORE
        movq %rsi, %rsp
        ldmxcsr (%rsp)
        fldcw 4(%rsp)
        addq $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq %r15
        .cfi_adjust_cfa_offset -8
        popq %r14
        .cfi_adjust_cfa_offset -8
        popq %r13
        .cfi_adjust_cfa_offset -8
        popq %r12
        .cfi_adjust_cfa_offset -8
        popq %rbx
        .cfi_adjust_cfa_offset -8
        popq %rbp
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .endm

        .globl wf_switch
        .hidden wf_switch
        .type wf_switch, @function
wf_switch:
        SAVE
        RESTORE
        .size wf_switch, .-wf_switch

        .globl wf_switch_tp
        .hidden wf_switch_tp
        .type wf_switch_tp, @function
wf_switch_tp:
        SAVE
        cmpb $0, wf_switch_has_fsgsbase(%rip)
        je 1f
        wrfsbase %rdx
        jmp 2f
1:      movq %rsi, %r12         /* restored from the new stack below */
        movq %rdx, %rsi
        movl $ARCH_SET_FS, %edi
        movl $__NR_arch_prctl, %eax
        syscall
        movq %r12, %rsi
2:
        RESTORE
        .size wf_switch_tp, .-wf_switch_tp

/* A new context "returns" here: rbx = entry, rbp = argument. The return address is undefined,
 * so unwinders stop. */
        .globl wf_switch_start
        .hidden wf_switch_start
        .type wf_switch_start, @function
wf_switch_start:
        .cfi_startproc
        .cfi_undefined %rip
        movq %rbp, %rdi
        xorl %ebp, %ebp
        call *%rbx
        ud2
        .cfi_endproc
        .size wf_switch_start, .-wf_switch_start

        .section .note.GNU-stack, "", @progbits
